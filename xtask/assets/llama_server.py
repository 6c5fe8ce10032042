"""Runs llama.cpp's own server on loopback until it is killed.

    llama_server.py MODEL PORT KEY

Prints `LISTEN` and the address on a line when it takes requests.
"""

import sys
import time

import xllamacpp


def main():
    model, port, key = sys.argv[1:]
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {"tiny"}
    params.hostnames = ["127.0.0.1"]
    params.port = int(port)
    params.api_keys = [key]
    params.n_ctx = 4096
    params.n_parallel = 2  # each of the two slots has half of the context
    params.use_jinja = True  # for tools
    params.offline = True
    params.warmup = False
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.endpoint_metrics = True  # where a test sees whether tokens are still being made
    server = xllamacpp.Server(params)
    print("LISTEN", server.listening_address, flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()

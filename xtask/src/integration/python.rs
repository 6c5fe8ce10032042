//! The virtual environment that holds the server, and the models.

use super::suite::quietly;
use crate::context::{self, Context, Stop};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is installed, by name in the Python index: llama.cpp as a library, what writes models, and
/// what reads descriptions and checks requests.
const PACKAGES: &[&str] = &[
    "xllamacpp==2026.10.11549",
    "gguf==0.19.0",
    "numpy==2.4.6",
    "jsonschema==4.26.0",
    "PyYAML==6.0.3",
];

/// A virtual environment with [`PACKAGES`].
pub(super) struct Python {
    root: PathBuf,
    folder: PathBuf,
    assets: PathBuf,
}

// === impl Python ===

impl Python {
    /// Makes the environment, unless an earlier run did.
    pub(super) fn prepare(context: &Context) -> Result<Self, Stop> {
        let python = Self {
            root: context.root.clone(),
            folder: context.target.join("wire"),
            assets: context.root.join("xtask").join("assets"),
        };
        let stamp = python.folder.join("python.packages");
        let wanted = PACKAGES.join("\n");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(python);
        }
        if !context::succeeds(context.program("python3").arg("--version")) {
            return Err(Stop::Missing {
                tool: "python3",
                remedy: "the package manager of the system (python3, python3-venv)".to_owned(),
            });
        }
        python.install(context).map_err(|reason| Stop::Missing {
            tool: "xllamacpp",
            remedy: format!("`pip install {}` (here: {reason})", PACKAGES.join(" ")),
        })?;
        write(&stamp, &wanted)?;
        Ok(python)
    }

    fn install(&self, context: &Context) -> Result<(), Stop> {
        let venv = self.folder.join("python");
        let mut make = context.program("python3");
        quietly(make.args(["-m", "venv", "--clear"]).arg(&venv))?;
        let mut pip = context.program(venv.join("bin").join("pip"));
        quietly(pip.args(["install", "--quiet"]).args(PACKAGES)).map(drop)
    }

    /// The file of the model `name`, made with `options` unless it is there already. A change of the
    /// generator makes it anew.
    pub(super) fn model(&self, name: &str, options: &[&str]) -> Result<PathBuf, Stop> {
        let generator = self.asset("tiny_model.py");
        let source = fs::read_to_string(&generator)
            .map_err(|error| Stop::Failed(format!("{}: {error}", generator.display())))?;
        let model = self.folder.join(format!("{name}.gguf"));
        let stamp = self.folder.join(format!("{name}.generator"));
        if model.is_file() && fs::read_to_string(&stamp).is_ok_and(|made_by| made_by == source) {
            return Ok(model);
        }
        quietly(self.program().arg(&generator).arg(&model).args(options))?;
        write(&stamp, &source)?;
        Ok(model)
    }

    /// The interpreter of the environment.
    pub(super) fn program(&self) -> std::process::Command {
        let mut command = std::process::Command::new(self.folder.join("python/bin/python"));
        command.current_dir(&self.root);
        command
    }

    /// A script of ours.
    pub(super) fn asset(&self, name: &str) -> PathBuf {
        self.assets.join(name)
    }

    /// Where everything that is made lies.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn write(path: &Path, text: &str) -> Result<(), Stop> {
    fs::write(path, text).map_err(|error| Stop::Failed(format!("{}: {error}", path.display())))
}

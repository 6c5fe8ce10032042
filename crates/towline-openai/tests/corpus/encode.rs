//! Level 2: a recorded request, read into Towline's own types, goes out again as it was.

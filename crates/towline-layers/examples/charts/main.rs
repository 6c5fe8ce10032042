//! Draws what the layers do under load, from simulations on a paused clock, and writes the figures
//! beside the pictures. Two runs give the same bytes.
//!
//! `cargo xtask charts`, or `cargo run -p towline-layers --features full --example charts -- FOLDER`.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod adaptive;
mod brownout;
mod herd;
mod recovery;
mod svg;
mod world;

use std::{error::Error, fs, path::Path};

/// A picture, and the rows of its figures.
struct Drawn {
    file: &'static str,
    picture: String,
    heading: &'static str,
    rows: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder to write to")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let drawn = [
        herd::draw()?,
        brownout::draw()?,
        recovery::draw()?,
        adaptive::draw()?,
    ];
    let mut figures = String::from(
        "# Figures of the charts\n\nWritten by `cargo xtask charts`, from simulations on a paused \
         clock. Do not edit.\n",
    );
    for Drawn {
        file,
        picture,
        heading,
        rows,
    } in drawn
    {
        fs::write(folder.join(file), picture)?;
        figures.push_str(&format!("\n## {heading}\n\n{}\n", rows.join("\n")));
        println!("{file}");
    }
    fs::write(folder.join("figures.md"), figures)?;
    Ok(())
}

//! The program, on a disk that can be full: `FREEHOLD_RIG` names a file that says by how many bytes files may grow.

use std::path::Path;
use std::process::ExitCode;

use freehold_rig::World;

fn main() -> ExitCode {
    freehold_rig::install();
    let Some(world) = World::over(Path::new("/")).ok() else { return ExitCode::FAILURE };
    if let Some(file) = std::env::var_os("FREEHOLD_RIG") {
        world.room_is_told_by(file.into());
    }
    freehold::cli::main()
}

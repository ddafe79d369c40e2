//! Parses the command line, runs the command, prints the error, returns the exit code.

fn main() {}

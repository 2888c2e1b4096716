//! What the tests of the workspace share: where the data lies and where the program is.

//! A second module, `reactor.c`: it runs commands for its clients and on keyspace events.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use tempfile::TempDir;

use super::Builder;

/// Loads the second module after JRS.
pub(crate) fn with_reactor(server: Builder) -> Builder {
    static BUILT: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
        let dir = tempfile::tempdir().unwrap();
        let module = dir.path().join("react.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/support/reactor.c");
        let mut cc = Command::new("cc");
        cc.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&module).arg(source);
        assert!(cc.status().expect("cc is installed").success(), "the C compiler refuses reactor.c");
        (dir, module)
    });
    server.config("loadmodule", BUILT.1.to_str().unwrap())
}

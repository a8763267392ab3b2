//! The log line for a failed load.

use crate::redis::LoadError;

pub(super) fn text(error: LoadError) -> String {
    let problem = match error {
        LoadError::FunctionMissing(name) => {
            format!("this server lacks the module function {name}, use version 7.0.15 or later")
        }
        LoadError::ArgumentNotUtf8 => "the module's arguments must be UTF-8".to_owned(),
        LoadError::CommandDisabled(name) => {
            format!("the command {} is renamed or disabled on this server, but JRS needs it", name.to_string_lossy())
        }
        LoadError::CommandRefused(name) => {
            let name = name.to_string_lossy();
            format!("cannot register the command {name}: another module may have a command with this name")
        }
        LoadError::CommandLost(name) => {
            format!("the server does not find the command {} after its registration", name.to_string_lossy())
        }
        LoadError::DescriptionRefused(name) => {
            format!("the server refuses the description of the command {}", name.to_string_lossy())
        }
        LoadError::ParameterRefused(name) => format!("cannot register the setting {}", name.to_string_lossy()),
        LoadError::ValueRefused => "a setting in the server's configuration is wrong, see the line above".to_owned(),
        LoadError::Module(problem) => problem,
    };
    format!("not loaded: {problem}")
}

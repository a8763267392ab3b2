//! Registers settings as configuration parameters of the server: redis.conf, CONFIG GET, SET and REWRITE.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_longlong, c_void},
    ptr,
    sync::{Mutex, PoisonError},
};

use redis_module::raw;

use crate::redis::ffi::{
    api::{ERR, OK, api},
    context::Ctx,
    guard::guard,
    refused::{LoadError, ValueError},
    string::{self, RedisString},
};

/// A configuration parameter.
#[derive(Debug)]
pub struct Parameter {
    /// The name without the module's prefix.
    pub name: &'static CStr,
    /// The values that it takes.
    pub kind: ParameterType,
    /// The default.
    pub default: ParameterValue,
    /// Whether CONFIG SET refuses it.
    pub is_immutable: bool,
}

/// The values that the server accepts for a parameter.
#[derive(Debug)]
pub enum ParameterType {
    /// An integer from `min` to `max`. With `is_memory`, also texts such as `16mb`.
    Number {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
        /// Whether it counts bytes and may be written `16mb`.
        is_memory: bool,
    },
    /// A text.
    Text,
    /// `yes` or `no`.
    Flag,
    /// One of several names.
    Choice(&'static [&'static CStr]),
}

/// The value of a parameter.
#[derive(Debug)]
pub enum ParameterValue {
    /// An integer.
    Number(i64),
    /// A text.
    Text(String),
    /// `yes` is true.
    Flag(bool),
    /// The position in the list of names.
    Choice(usize),
}

/// The storage of the values, by position in the registered list.
pub trait ParameterStore {
    /// The value that was set last.
    fn get(position: usize) -> Option<ParameterValue>;
    /// Stores a value that is not active yet. An error says what is wrong with it.
    fn set(position: usize, value: ParameterValue) -> Result<(), String>;
    /// Makes all stored values active together. An error says why they cannot be.
    fn apply(ctx: Ctx<'_>) -> Result<(), String>;
    /// What is wrong with a value that does not reach [`set`](Self::set).
    fn error_text(error: ValueError) -> String;
}

/// Registers parameters, and reads their values from the server's configuration.
pub fn register_parameters<S: ParameterStore>(
    ctx: Ctx<'_>,
    parameters: impl Iterator<Item = Parameter>,
) -> Result<(), LoadError> {
    for (position, parameter) in parameters.enumerate() {
        let name = parameter.name;
        if register::<S>(ctx, position, parameter) != OK {
            return Err(LoadError::ParameterRefused(name));
        }
    }
    // SAFETY: the context is that of the load.
    if unsafe { api(raw::RedisModule_LoadConfigs)(ctx.as_ptr()) } != OK {
        return Err(LoadError::ValueRefused);
    }
    Ok(())
}

fn register<S: ParameterStore>(ctx: Ctx<'_>, position: usize, parameter: Parameter) -> c_int {
    let (ctx, name) = (ctx.as_ptr(), parameter.name.as_ptr());
    // The private data is the position, cast to a pointer. It is never dereferenced.
    let privdata = ptr::without_provenance_mut(position);
    let plain =
        if parameter.is_immutable { raw::REDISMODULE_CONFIG_IMMUTABLE } else { raw::REDISMODULE_CONFIG_DEFAULT };
    match (&parameter.kind, parameter.default) {
        (ParameterType::Number { min, max, is_memory }, ParameterValue::Number(default)) => {
            let flags = if *is_memory { raw::REDISMODULE_CONFIG_MEMORY | plain } else { plain };
            let (get, set) = (Some(get_number::<S> as _), Some(set_number::<S> as _));
            // SAFETY: the context is that of the load, the name ends in NUL, the callbacks have the declared types.
            unsafe {
                let register = api(raw::RedisModule_RegisterNumericConfig);
                register(ctx, name, default, flags, *min, *max, get, set, Some(apply::<S>), privdata)
            }
        }
        (ParameterType::Text, ParameterValue::Text(default)) => {
            let Ok(default) = CString::new(default) else { return ERR };
            let (get, set) = (Some(get_text::<S> as _), Some(set_text::<S> as _));
            // SAFETY: as above; the server copies the default.
            unsafe {
                let register = api(raw::RedisModule_RegisterStringConfig);
                register(ctx, name, default.as_ptr(), plain, get, set, Some(apply::<S>), privdata)
            }
        }
        (ParameterType::Flag, ParameterValue::Flag(default)) => {
            let (get, set) = (Some(get_flag::<S> as _), Some(set_flag::<S> as _));
            // SAFETY: as above.
            unsafe {
                let register = api(raw::RedisModule_RegisterBoolConfig);
                register(ctx, name, c_int::from(default), plain, get, set, Some(apply::<S>), privdata)
            }
        }
        (ParameterType::Choice(names), ParameterValue::Choice(default)) => {
            let mut labels: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
            let numbers: Vec<c_int> = (0..).take(names.len()).collect();
            let count = c_int::try_from(names.len()).unwrap_or(0);
            let (get, set) = (Some(get_choice::<S> as _), Some(set_choice::<S> as _));
            let default = c_int::try_from(default).unwrap_or(0);
            let (labels, numbers) = (labels.as_mut_ptr(), numbers.as_ptr());
            // SAFETY: as above; the server copies the `count` labels and numbers.
            unsafe {
                let register = api(raw::RedisModule_RegisterEnumConfig);
                register(ctx, name, default, plain, labels, numbers, count, get, set, Some(apply::<S>), privdata)
            }
        }
        _ => ERR,
    }
}

/// The value of a setting. `None` after a panic.
fn get<S: ParameterStore>(privdata: *mut c_void) -> Option<ParameterValue> {
    guard(|| S::get(privdata.addr())).flatten()
}

fn report<S: ParameterStore>(outcome: Option<Result<(), String>>, error: *mut *mut raw::RedisModuleString) -> c_int {
    let problem = match outcome {
        Some(Ok(())) => return OK,
        Some(Err(problem)) => problem,
        None => S::error_text(ValueError::Panicked),
    };
    if !error.is_null() {
        // SAFETY: the server passes a place for the message, and frees the string that is stored there.
        unsafe { error.write(RedisString::new(problem.as_bytes()).into_raw()) };
    }
    ERR
}

extern "C" fn apply<S: ParameterStore>(
    ctx: *mut raw::RedisModuleCtx,
    _: *mut c_void,
    error: *mut *mut raw::RedisModuleString,
) -> c_int {
    // SAFETY: the context is what the server passed, and it is used only until this returns.
    let ctx = unsafe { Ctx::new(ctx) };
    report::<S>(guard(|| S::apply(ctx)), error)
}

extern "C" fn get_number<S: ParameterStore>(_: *const c_char, privdata: *mut c_void) -> c_longlong {
    if let Some(ParameterValue::Number(number)) = get::<S>(privdata) { number } else { 0 }
}

extern "C" fn get_flag<S: ParameterStore>(_: *const c_char, privdata: *mut c_void) -> c_int {
    c_int::from(matches!(get::<S>(privdata), Some(ParameterValue::Flag(true))))
}

extern "C" fn get_choice<S: ParameterStore>(_: *const c_char, privdata: *mut c_void) -> c_int {
    let Some(ParameterValue::Choice(choice)) = get::<S>(privdata) else { return 0 };
    c_int::try_from(choice).unwrap_or(0)
}

/// Makes the callback that sets values of one type.
macro_rules! setter {
    ($name:ident, |$value:ident: $type:ty| $read:expr) => {
        extern "C" fn $name<S: ParameterStore>(
            _: *const c_char,
            $value: $type,
            privdata: *mut c_void,
            error: *mut *mut raw::RedisModuleString,
        ) -> c_int {
            report::<S>(guard(|| S::set(privdata.addr(), $read)), error)
        }
    };
}

setter!(set_number, |number: c_longlong| ParameterValue::Number(number));
setter!(set_flag, |flag: c_int| ParameterValue::Flag(flag != 0));
setter!(set_choice, |choice: c_int| ParameterValue::Choice(usize::try_from(choice).unwrap_or(usize::MAX)));
setter!(set_text, |text: *mut raw::RedisModuleString| read_text(text).map_err(S::error_text)?);

/// The last result of [`get_text`]. It must outlive the call, because the server copies it afterwards.
static LAST_TEXT: Mutex<LastText> = Mutex::new(LastText(None));

struct LastText(Option<RedisString>);

// SAFETY: only `get_text` and `free_last_text` create and free the strings, and the server calls both on its thread.
unsafe impl Send for LastText {}

extern "C" fn get_text<S: ParameterStore>(_: *const c_char, privdata: *mut c_void) -> *mut raw::RedisModuleString {
    let Some(ParameterValue::Text(value)) = get::<S>(privdata) else { return ptr::null_mut() };
    // The server has copied the former result by now.
    LAST_TEXT.lock().unwrap_or_else(PoisonError::into_inner).0.insert(RedisString::new(value.as_bytes())).as_ptr()
}

/// Reads a text that the server sets.
fn read_text(text: *const raw::RedisModuleString) -> Result<ParameterValue, ValueError> {
    // SAFETY: the server passes a string that lives until the setter returns.
    let text = unsafe { string::bytes(text) };
    str::from_utf8(text).map(|text| ParameterValue::Text(text.to_owned())).map_err(|_| ValueError::NotUtf8)
}

/// Frees the last text before the server unmaps the module's code.
pub(in crate::redis) fn free_last_text() {
    LAST_TEXT.lock().unwrap_or_else(PoisonError::into_inner).0 = None;
}

//! AOF and RDB files. Servers that are killed under load are in `chaos::restarts`.

mod aof_and_rdb;
mod aof_rewrite;
mod dump_restore;
mod truncated_aof;
mod without_module;

//! Sessions of the npm package `jwt-redis-session`, and data of older releases.

mod former_index;
mod jwt_redis_session;

//! `max-sessions` and `max-sessions-policy`, changed while there are sessions.

use crate::support::{
    Server,
    sessions::{contents, create, exec, get, refused, send},
};

#[test]
fn a_lower_limit_holds_from_the_next_session_on() {
    let server = Server::start();
    let conn = &mut server.conn();
    let mut alive: Vec<String> = (0..5).map(|_| create(conn, "ada", "{}", &[])).collect();
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "2"]);
    assert!(alive.iter().all(|token| get(conn, token).is_some()), "a setting ends nothing by itself");
    let newest = create(conn, "ada", "{}", &[]);
    for ended in alive.drain(..4) {
        assert!(get(conn, &ended).is_none());
    }
    assert!(get(conn, &alive[0]).is_some() && get(conn, &newest).is_some(), "the two that are youngest");
    for _ in 0..3 {
        create(conn, "", "{}", &[]);
        create(conn, "bob", "{}", &["EX", "500"]);
    }
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 2 + 3 + 2, "nobody has no limit, and bob one of his own");

    exec(conn, &["CONFIG", "SET", "jrs.max-sessions-policy", "reject"]);
    let before = contents(conn);
    assert_eq!(refused(conn, &["JRS.CREATE", "ada", "{}"]), "TOOMANY");
    let guest = create(conn, "", "{}", &[]);
    assert_eq!(refused(conn, &["JRS.ROTATE", &guest, "OWNER", "ada"]), "TOOMANY");
    assert!(get(conn, &guest).is_some());
    assert_eq!(contents(conn).len(), before.len() + 1);
    let rotated: String = send(conn, &["JRS.ROTATE", &newest]).unwrap();
    assert!(get(conn, &rotated).is_some(), "a session that goes on takes no room");
    exec(conn, &["JRS.DESTROY", &rotated]);
    create(conn, "ada", "{}", &[]);
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "0"]);
    create(conn, "ada", "{}", &[]);
}

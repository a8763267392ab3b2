//! What a cluster node knows about the nodes of its cluster: `CLUSTER NODES`.

use redis::Connection;

use crate::support::sessions::send;

/// A line of `CLUSTER NODES`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeView {
    pub(crate) id: String,
    pub(crate) port: u16,
    /// The id of its primary, if it is a replica.
    pub(crate) primary: Option<String>,
    /// The first and last slot of each of its ranges.
    pub(crate) slots: Vec<(u16, u16)>,
    state: State,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Connected,
    Failed,
    /// In a handshake, not connected, or suspected to have failed.
    Unclear,
}

impl NodeView {
    /// The nodes that `conn` knows and that have not failed, sorted. None while the state of one of them is unclear, or while
    /// the cluster does not serve all slots.
    pub(crate) fn live(conn: &mut Connection) -> Option<Vec<NodeView>> {
        let info: String = send(conn, &["CLUSTER", "INFO"]).ok()?;
        let mut nodes = NodeView::all(conn)?;
        nodes.retain(|node| node.state != State::Failed);
        nodes.sort_unstable();
        let clear = nodes.iter().all(|node| node.state == State::Connected);
        (clear && info.contains("cluster_state:ok")).then_some(nodes)
    }

    /// All nodes that `conn` knows. None if it does not reply.
    pub(crate) fn all(conn: &mut Connection) -> Option<Vec<NodeView>> {
        let lines: String = send(conn, &["CLUSTER", "NODES"]).ok()?;
        Some(lines.lines().map(|line| NodeView::parse(line).unwrap_or_else(|| panic!("{line}"))).collect())
    }

    pub(crate) fn serves(&self, slot: u16) -> bool {
        self.primary.is_none() && self.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }

    /// Parses: id, address, flags, id of the primary, three numbers, state of the link, slots.
    fn parse(line: &str) -> Option<NodeView> {
        let words: Vec<&str> = line.split(' ').collect();
        let [id, address, flags, primary, _, _, _, link, slots @ ..] = words.as_slice() else { return None };
        let has = |name: &str| flags.split(',').any(|flag| flag == name);
        let state = match *link {
            _ if has("fail") => State::Failed,
            "connected" if !has("fail?") && !has("handshake") => State::Connected,
            _ => State::Unclear,
        };
        Some(NodeView {
            id: (*id).to_owned(),
            port: address.split_once('@')?.0.rsplit_once(':')?.1.parse().ok()?,
            primary: (*primary != "-").then(|| (*primary).to_owned()),
            slots: slots.iter().filter(|word| !word.starts_with('[')).map(|word| range(word)).collect::<Option<_>>()?,
            state,
        })
    }
}

/// Parses `5` or `5-9`.
fn range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.parse().ok()?, last.parse().ok()?))
}

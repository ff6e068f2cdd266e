//! The kernel's socket tables `/proc/net/tcp` and `tcp6`. Pure.

/// A listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) struct Socket {
    pub(crate) port: u16,
    pub(crate) inode: u64,
}

const LISTEN: &str = "0A";

/// The listening sockets of one table.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) fn parse(table: &str) -> Vec<Socket> {
    table.lines().skip(1).filter_map(parse_line).collect()
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn parse_line(line: &str) -> Option<Socket> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    if *fields.get(3)? != LISTEN {
        return None;
    }
    let port = u16::from_str_radix(fields.get(1)?.rsplit_once(':')?.1, 16).ok()?;
    Some(Socket { port, inode: fields.get(9)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families() {
        let v4 = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:4965 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1234 1 0 100 0 0 10 0\n   1: 0100007F:4966 0100007F:0050 01 00000000:00000000 00:00000000 00000000  1000        0 99 1 0 100 0 0 10 0\n";
        let v6 = "  sl  local_address remote_address st ...\n   0: 00000000000000000000000001000000:4965 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5678 1 0\n broken\n";
        assert_eq!(parse(v4), [Socket { port: 18789, inode: 1234 }]);
        assert_eq!(parse(v6), [Socket { port: 18789, inode: 5678 }]);
        assert_eq!(parse(""), []);
    }
}

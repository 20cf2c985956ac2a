package ensemble

import (
	"context"
	"fmt"
	"strings"
)

// Cut drops every packet from and to the given peers, in this server's own packet
// rules. Clients are not affected.
func (s *Server) Cut(ctx context.Context, peers ...*Server) error {
	return s.rule(ctx, "DROP", peers)
}

// Deafen drops every packet from the given peers, but lets packets to them pass.
func (s *Server) Deafen(ctx context.Context, peers ...*Server) error {
	return s.rule(ctx, "ACCEPT", peers) // the rule that accepts is there to count
}

// rule drops the packets from the peers, and applies the target outgoing to the packets
// to them.
func (s *Server) rule(ctx context.Context, outgoing string, peers []*Server) error {
	var script strings.Builder
	script.WriteString("set -e\n")
	for _, peer := range peers {
		fmt.Fprintf(&script, "iptables -w -A INPUT -s %[1]s -j DROP\niptables -w -A OUTPUT -d %[1]s -j %[2]s\n", peer.peerIP, outgoing)
	}
	_, err := s.exec(ctx, script.String())
	return err
}

// Reconnect removes every packet rule of this server.
func (s *Server) Reconnect(ctx context.Context) error {
	_, err := s.exec(ctx, "iptables -w -F")
	return err
}

// Packets has the counters of a server's rules since they were made. Without rules
// nothing is counted.
type Packets struct {
	DroppedIn  int // from peers that it is cut from
	DroppedOut int // to them
	PassedOut  int // to peers whose packets it drops
}

// Dropped is how many packets were lost.
func (p Packets) Dropped() int { return p.DroppedIn + p.DroppedOut }

// Packets reads the counters of the server's packet rules.
func (s *Server) Packets(ctx context.Context) (Packets, error) {
	out, err := s.exec(ctx, `iptables -w -nvxL | awk '
		$1 == "Chain" { chain = $2 }
		$3 == "DROP" || $3 == "ACCEPT" { n[chain $3] += $1 }
		END { print n["INPUTDROP"] + 0, n["OUTPUTDROP"] + 0, n["OUTPUTACCEPT"] + 0 }'`)
	if err != nil {
		return Packets{}, err
	}
	var p Packets
	if _, err := fmt.Sscan(out, &p.DroppedIn, &p.DroppedOut, &p.PassedOut); err != nil {
		return Packets{}, fmt.Errorf("ensemble: %s: packet counters %q: %w", s.Name, out, err)
	}
	return p, nil
}

// Reaches reports whether this server can connect to the election port of another
// server, which listens there as long as it runs.
func (s *Server) Reaches(ctx context.Context, peer *Server) (bool, error) {
	out, err := s.exec(ctx, fmt.Sprintf(`if timeout 2 bash -c ': </dev/tcp/%s/3888' 2>/dev/null; then echo yes; else echo no; fi`, peer.peerIP))
	return strings.TrimSpace(out) == "yes", err
}

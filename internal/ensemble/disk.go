package ensemble

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/moby/client"
)

// logFolder is where a server keeps its transaction log. On one server it is a separate
// volume.
const logFolder = "/data/log"

// ErrLargeDisk means that a server's transaction log has no small volume.
var ErrLargeDisk = errors.New("its transaction log is on the disk of the machine, which must not be filled: start the ensemble with Config.SmallLog")

// hasSmallLog reports whether Config.SmallLog is for that server.
func (c Config) hasSmallLog(id int) bool { return c.SmallLog > 0 && id == c.Servers }

// volumes makes the volumes for the server's data, and returns them in the notation of
// the engine.
func (e *Ensemble) volumes(ctx context.Context, config Config, id int) ([]string, error) {
	data := e.networkName() + "-" + ServerName(id)
	if _, err := e.docker.VolumeCreate(ctx, client.VolumeCreateOptions{Name: data, Labels: e.labels()}); err != nil {
		return nil, fmt.Errorf("ensemble: create volume: %w", err)
	}
	binds := []string{data + ":/data"}
	if config.hasSmallLog(id) {
		small := data + "-log"
		options := map[string]string{"type": "tmpfs", "device": "tmpfs", "o": fmt.Sprintf("size=%d,mode=0755", config.SmallLog)}
		if _, err := e.docker.VolumeCreate(ctx, client.VolumeCreateOptions{Name: small, Driver: "local", DriverOpts: options, Labels: e.labels()}); err != nil {
			return nil, fmt.Errorf("ensemble: create a volume of %d bytes: %w", config.SmallLog, err)
		}
		binds = append(binds, small+":"+logFolder)
	}
	return binds, nil
}

// SmallLog is the server whose transaction log has a small volume, or nil.
func (e *Ensemble) SmallLog() *Server {
	for _, s := range e.Servers {
		if s.smallLog {
			return s
		}
	}
	return nil
}

// FillDisk fills the volume of the server's transaction log. It fails with ErrLargeDisk
// on a server without a small volume.
func (s *Server) FillDisk(ctx context.Context) error {
	if !s.smallLog {
		return fmt.Errorf("ensemble: %s: %w", s.Name, ErrLargeDisk)
	}
	// Large blocks first, because they are quick, then smaller ones for the rest.
	_, err := s.exec(ctx, "cd "+logFolder+" && for size in 1M 4k 1; do dd if=/dev/zero bs=$size of=filler oflag=append conv=notrunc 2>/dev/null; done; [ -s filler ]")
	return err
}

// FreeDisk gives back the space that FillDisk has taken, if it has. The server is
// killed first, because only after a restart it forgets the transactions that it could
// not write.
func (s *Server) FreeDisk(ctx context.Context) error {
	_, err := s.exec(ctx, `if [ -e `+logFolder+`/filler ]; then
		kill -9 $(cat /ringmaster/pid) 2>/dev/null
		while [ -e /ringmaster/pid ]; do sleep 0.02; done
		rm -f `+logFolder+`/filler
	fi`)
	return err
}

// SpaceLeft is how many more bytes the server's transaction log may take.
func (s *Server) SpaceLeft(ctx context.Context) (int64, error) {
	out, err := s.exec(ctx, "df --output=avail -B1 "+logFolder+" | tail -n 1")
	if err != nil {
		return 0, err
	}
	var left int64
	if _, err := fmt.Sscan(out, &left); err != nil {
		return 0, fmt.Errorf("ensemble: %s: space left %q: %w", s.Name, out, err)
	}
	return left, nil
}

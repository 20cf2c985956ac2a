package ensemble

import "context"

// backupFolder is where a server keeps the copy that Backup makes.
const backupFolder = "/ringmaster/backup"

// Backup copies the server's files on its disk, as an administrator does. The server
// must not run meanwhile.
func (s *Server) Backup(ctx context.Context) error {
	_, err := s.exec(ctx, "rm -rf "+backupFolder+" && cp -a /data "+backupFolder)
	return err
}

// RestoreBackup replaces the server's files by the copy. The server must not run
// meanwhile.
func (s *Server) RestoreBackup(ctx context.Context) error {
	_, err := s.exec(ctx, wipe+" && cp -a "+backupFolder+"/. /data/")
	return err
}

// Wipe leaves nothing on the server's disk but its number. It must not run meanwhile.
func (s *Server) Wipe(ctx context.Context) error {
	_, err := s.exec(ctx, wipe)
	return err
}

// wipe empties the folders of snapshots and logs; they may be mounted.
const wipe = "rm -rf /data/version-2 " + logFolder + "/version-2"

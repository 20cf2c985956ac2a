package ensemble

import (
	"context"

	"github.com/moby/moby/client"
)

// Folder is the folder of the engine that has the servers' data, so that something else can
// be put on the same disk. It is empty if that is not known. It is a path on the machine of
// the engine, which need not be this one.
func (e *Ensemble) Folder(ctx context.Context) string {
	if e.IsExternal() {
		return ""
	}
	answer, err := e.docker.Info(ctx, client.InfoOptions{})
	if err != nil {
		return ""
	}
	return answer.Info.DockerRootDir
}

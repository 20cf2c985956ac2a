// Package tla holds the specification as files, so that commands and tests carry what
// they give to TLC. It has nothing else.
package tla

import "embed"

// Files are the modules, their configurations, the manifest of what TLC has said, and
// the documents.
//
//go:embed *.tla *.cfg broken/*.cfg manifest.json *.md
var Files embed.FS

// TraceFiles are those that recorded traces are held against.
var TraceFiles = []string{"Protocol.tla", "ProtocolTrace.tla", "ProtocolTrace.cfg"}

// TraceModule is the one to be checked. It needs TraceData besides, which is generated.
const TraceModule = "ProtocolTrace"

// Package tla holds the specification as files, so that the command carries what it
// gives to TLC. It has nothing else.
package tla

import "embed"

// Files are the modules that recorded traces are held against, and the configuration.
//
//go:embed Protocol.tla ProtocolTrace.tla ProtocolTrace.cfg
var Files embed.FS

// TraceFiles are their names.
var TraceFiles = []string{"Protocol.tla", "ProtocolTrace.tla", "ProtocolTrace.cfg"}

// TraceModule is the one to be checked. It needs TraceData besides, which is generated.
const TraceModule = "ProtocolTrace"

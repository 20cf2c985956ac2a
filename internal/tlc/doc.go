// Package tlc finds and runs TLC, the model checker of TLA+. It knows no specification.
package tlc

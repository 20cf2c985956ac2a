// Package story tells violations of the store. It judges nothing, and it reads the record only.
package story

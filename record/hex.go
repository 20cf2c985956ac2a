package record

import "fmt"

// Hex is a session, or a zxid, in the notation of a record.
func Hex(n int64) string { return fmt.Sprintf("0x%x", n) }

package zkapi

import "time"

// Pause is how long to wait after so many failures in a row before a step is tried again:
// first, doubled with each failure up to most, and up to a quarter more or less, so that many
// that wait do not all come back at once. Everything that repeats uses this one policy.
func Pause(env Env, first, most time.Duration, failures int) time.Duration {
	pause := min(first<<min(max(failures-1, 0), 20), most)
	return pause*3/4 + time.Duration(env.Jitter()*float64(pause)/2)
}

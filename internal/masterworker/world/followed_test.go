package world

// followed are complete worlds in which sessions answer followed reads with differences. Such an
// answer is no request, so some of these worlds have fewer states than the same ones with whole
// lists, although more events arrive.
var followed = []struct {
	config                     Config
	states, transitions, depth int64
	deep                       bool
}{
	{following(nil), 3311, 9656, 33, false},
	{following(func(c *Config) { c.Masters = 2 }), 72144, 269626, 38, false},
	{following(func(c *Config) { c.Tasks = 2 }), 18902, 54113, 44, false},
	{following(func(c *Config) { c.Workers = 2 }), 422486, 1565468, 43, true},
	{following(func(c *Config) { c.Cancel = true }), 80360, 251964, 49, false},
	{following(func(c *Config) { c.Resubmit = true }), 4763, 12956, 49, false},
	{following(func(c *Config) { c.Cancel, c.Resubmit = true, true }), 262020, 739313, 72, true},
	{following(func(c *Config) { c.Residents, c.Cancel, c.Slow = 1, true, true }), 68344, 216744, 48, false},
	{following(func(c *Config) { c.Bounds.Losses = 1 }), 66490, 211725, 39, false},
	{following(func(c *Config) { c.Bounds.Lags = 1 }), 34742, 135086, 35, false},
	{following(func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 778220, 3226032, 42, true},
	{following(func(c *Config) { c.Bounds.Sweeps = 1 }), 18366, 56112, 37, false},
	{following(func(c *Config) { c.Bounds.Expiries = 1 }), 83117, 260960, 52, true},
	{following(func(c *Config) { c.Bounds.Cuts = 1 }), 151378, 505805, 53, true},
	{following(func(c *Config) { c.Strands, c.Bounds.Cuts = true, 1 }), 152757, 537168, 53, true},
	{following(func(c *Config) { c.Bounds.Stops = 1 }), 371580, 1256449, 54, true},
	{following(func(c *Config) { c.Bounds.Crashes = 1 }), 127281, 424324, 54, true},
	{following(func(c *Config) { c.Bounds.Leaves = 1 }), 486531, 1419189, 50, true},
	{following(func(c *Config) { c.Library, c.Bounds.Expiries = 1, 1 }), 116181, 364908, 54, true},
	{following(func(c *Config) { c.Tasks, c.Apart, c.Window = 2, true, 2 }), 44686, 124219, 44, false},
	{following(func(c *Config) { c.Turns = true }), 4821, 13088, 42, false},
}

// following is small with sessions that follow lists.
func following(change func(*Config)) Config {
	c := small(change)
	c.Follow = true
	return c
}

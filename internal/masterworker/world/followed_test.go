package world

// followed are complete worlds in which sessions answer followed reads with differences. Such an
// answer is no request, so some of these worlds have fewer states than the same ones with whole
// lists, although more events arrive.
var followed = []struct {
	config                     Config
	states, transitions, depth int64
	deep                       bool
}{
	{following(nil), 3207, 9420, 33, false},
	{following(func(c *Config) { c.Masters = 2 }), 69648, 261882, 38, false},
	{following(func(c *Config) { c.Tasks = 2 }), 15284, 43895, 46, false},
	{following(func(c *Config) { c.Workers = 2 }), 399138, 1486598, 43, true},
	{following(func(c *Config) { c.Cancel = true }), 69440, 218386, 48, false},
	{following(func(c *Config) { c.Resubmit = true }), 4089, 11468, 49, false},
	{following(func(c *Config) { c.Cancel, c.Resubmit = true, true }), 226710, 642185, 72, true},
	{following(func(c *Config) { c.Residents, c.Cancel, c.Slow = 1, true, true }), 63432, 200776, 47, false},
	{following(func(c *Config) { c.Bounds.Losses = 1 }), 61870, 199299, 39, false},
	{following(func(c *Config) { c.Bounds.Lags = 1 }), 33630, 131442, 36, false},
	{following(func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 726132, 3032262, 43, true},
	{following(func(c *Config) { c.Bounds.Sweeps = 1 }), 16614, 51615, 36, false},
	{following(func(c *Config) { c.Bounds.Expiries = 1 }), 80954, 255595, 53, true},
	{following(func(c *Config) { c.Bounds.Cuts = 1 }), 149201, 500988, 54, true},
	{following(func(c *Config) { c.Strands, c.Bounds.Cuts = true, 1 }), 147410, 521903, 54, true},
	{following(func(c *Config) { c.Bounds.Stops = 1 }), 354317, 1204844, 55, true},
	{following(func(c *Config) { c.Bounds.Crashes = 1 }), 125524, 420348, 55, true},
	{following(func(c *Config) { c.Bounds.Leaves = 1 }), 474247, 1394043, 51, true},
	{following(func(c *Config) { c.Library, c.Bounds.Expiries = 1, 1 }), 113495, 358053, 55, true},
	{following(func(c *Config) { c.Tasks, c.Apart, c.Window = 2, true, 2 }), 34140, 95881, 46, false},
	{following(func(c *Config) { c.Turns = true }), 4333, 11978, 42, false},
}

// following is small with sessions that follow lists.
func following(change func(*Config)) Config {
	c := small(change)
	c.Follow = true
	return c
}

package protocol

// chains has the readings of many tasks, each task's in the order in which they were
// added. A list for each task would take half as much again, because lists grow.
type chains struct {
	blocks [][]link
	size   int
	ends   map[string]chain // by task
}

// link is a reading, and the place of the next one of its task; 0 for none.
type link struct {
	reading
	next int
}

// chain has the places of the first and the last reading of a task, from 1.
type chain struct{ first, last, length int }

// linksInBlock is how many links are allocated at a time.
const linksInBlock = 1 << 10

// at is the link at a place.
func (c *chains) at(place int) *link {
	return &c.blocks[(place-1)/linksInBlock][(place-1)%linksInBlock]
}

func (c *chains) add(r reading) {
	if c.ends == nil {
		c.ends = map[string]chain{}
	}
	if c.size%linksInBlock == 0 {
		c.blocks = append(c.blocks, make([]link, linksInBlock))
	}
	c.size++
	c.at(c.size).reading = r
	of := c.ends[r.task]
	if of.length == 0 {
		of.first = c.size
	} else {
		c.at(of.last).next = c.size
	}
	of.last = c.size
	of.length++
	c.ends[r.task] = of
}

// of are the readings of a task; empty for the claims.
func (c *chains) of(task string) []reading {
	of := c.ends[task]
	all := make([]reading, 0, of.length)
	for place := of.first; place != 0; place = c.at(place).next {
		all = append(all, c.at(place).reading)
	}
	return all
}

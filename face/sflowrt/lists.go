package sflowrt

import (
	"weir/engine"
	"weir/enrich"
)

// lists is the body of group sets and maps: a name and the texts that belong to it.
type lists map[string]texts

func (l lists) plain() map[string][]string {
	out := make(map[string][]string, len(l))
	for name, list := range l {
		out[name] = list
	}
	return out
}

func (c *call) putGroups() error {
	return read(c, maxLargeBody, func(l lists) error {
		return c.done(c.engine.Do(engine.SetGroups{Name: c.r.PathValue("name"), Groups: l.plain()}))
	})
}

func (c *call) dropGroups() error {
	return c.done(c.engine.Do(engine.DropGroups{Name: c.r.PathValue("name")}))
}

func (c *call) groups() error {
	name := c.r.PathValue("name")
	groups, ok := c.engine.State().World.Groups(name)
	if !ok {
		return notFound("group set", name, "/group/json lists them")
	}
	return c.json(groups)
}

func (c *call) allGroups() error {
	w, out := c.engine.State().World, map[string]map[string][]string{}
	for _, name := range w.GroupSets() {
		out[name], _ = w.Groups(name)
	}
	return c.json(out)
}

func (c *call) putMap() error {
	return read(c, maxLargeBody, func(l lists) error {
		return c.done(c.engine.Do(engine.SetMap{Name: c.r.PathValue("name"), Labels: l.plain()}))
	})
}

func (c *call) dropMap() error {
	return c.done(c.engine.Do(engine.DropMap{Name: c.r.PathValue("name")}))
}

func (c *call) labels() error {
	name := c.r.PathValue("name")
	labels, ok := c.engine.State().World.Map(name)
	if !ok {
		return notFound("map", name, "/map/json lists them")
	}
	return c.json(labels)
}

func (c *call) allMaps() error {
	w, out := c.engine.State().World, map[string]map[string][]string{}
	for _, name := range w.Maps() {
		out[name], _ = w.Map(name)
	}
	return c.json(out)
}

func (c *call) putTopology() error {
	// The topology has its own reader, which names the node or link that is wrong.
	release, err := c.hold(maxBody)
	if err != nil {
		return err
	}
	defer release()
	b, err := c.body(maxBody)
	if err != nil {
		return err
	}
	t, err := enrich.ParseTopology(b)
	if err != nil {
		return invalid(err)
	}
	return c.done(c.engine.Do(engine.SetTopology{Topology: t}))
}

func (c *call) topology() error {
	if t := c.engine.State().World.Topology(); t != nil {
		return c.json(t)
	}
	return c.json(struct{}{})
}

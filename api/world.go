package api

import (
	"net/http"
	"strings"

	"weir/engine"
	"weir/enrich"
)

// named is a list of names in an answer.
type named struct {
	stamp
	Names []string `json:"names"`
	Total int      `json:"total"` // how many there are, shown or not
}

func (r *request) named(names []string) named {
	if names == nil {
		names = []string{}
	}
	return named{r.stamp(), names[:min(len(names), r.whole("max"))], len(names)}
}

func groupSets(r *request) (any, error) {
	return r.named(r.server.engine.State().World.GroupSets()), nil
}

func maps(r *request) (any, error) { return r.named(r.server.engine.State().World.Maps()), nil }

func groups(r *request) (any, error) {
	sets, ok := r.server.engine.State().World.Groups(r.text("name"))
	if !ok {
		return nil, unknown("group set", r.text("name"), "GET /api/v1/group-sets lists them")
	}
	return struct {
		stamp
		Groups map[string][]string `json:"groups"`
	}{r.stamp(), sets}, nil
}

func oneMap(r *request) (any, error) {
	labels, ok := r.server.engine.State().World.Map(r.text("name"))
	if !ok {
		return nil, unknown("map", r.text("name"), "GET /api/v1/maps lists them")
	}
	return struct {
		stamp
		Map map[string][]string `json:"map"`
	}{r.stamp(), labels}, nil
}

// readLists reads a body of lists by name.
func readLists(r *request) (lists map[string][]string, err error) {
	if err := decode(r.body, &lists); err != nil {
		return nil, err
	}
	if lists == nil {
		return nil, refuse(http.StatusBadRequest, "", "null is no object of lists", "an empty one is {}")
	}
	return lists, nil
}

func putGroups(r *request) (any, error) {
	lists, err := readLists(r)
	if err != nil {
		return nil, err
	}
	return r.do(engine.SetGroups{Name: r.text("name"), Groups: lists})
}

func putMap(r *request) (any, error) {
	lists, err := readLists(r)
	if err != nil {
		return nil, err
	}
	return r.do(engine.SetMap{Name: r.text("name"), Labels: lists})
}

func dropGroups(r *request) (any, error) { return r.do(engine.DropGroups{Name: r.text("name")}) }

func dropMap(r *request) (any, error) { return r.do(engine.DropMap{Name: r.text("name")}) }

// do asks the engine for a change; a failure names the group or label that the error does.
func (r *request) do(c engine.Command) (any, error) {
	if err := r.server.engine.Do(c); err != nil {
		f := fail(err)
		for _, what := range []string{`: group "`, `: label "`} {
			if _, rest, ok := strings.Cut(f.Message, what); ok {
				f.Field, _, _ = strings.Cut(rest, `"`)
			}
		}
		return nil, f
	}
	return nil, nil
}

func topology(r *request) (any, error) {
	return struct {
		stamp
		Topology *enrich.Topology `json:"topology"` // null when there is none
	}{r.stamp(), r.server.engine.State().World.Topology()}, nil
}

func putTopology(r *request) (any, error) {
	var t enrich.Topology
	if err := decode(r.body, &t); err != nil {
		return nil, err
	}
	return r.do(engine.SetTopology{Topology: &t})
}

func dropTopology(r *request) (any, error) { return r.do(engine.SetTopology{}) }

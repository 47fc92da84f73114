package meter

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBuiltin(t *testing.T) {
	fed := 0
	for _, profile := range Profiles() {
		groups, err := BuiltinProfile(profile)
		if err != nil {
			t.Fatal(err)
		}
		names, guids := map[string]bool{}, map[string]bool{}
		for _, g := range groups {
			if names[g.Name] || guids[strings.ToUpper(g.GUID)] {
				t.Errorf("%s %s is there twice", g.Name, g.GUID)
			}
			names[g.Name], guids[strings.ToUpper(g.GUID)] = true, true
			if g.Kind != KindScript && profile == ProfileSeed {
				fed++
			}
			for i, m := range g.Meters {
				if m.ID != i {
					t.Errorf("%s: meter %d at place %d", g.Name, m.ID, i)
				}
			}
			for _, name := range []string{g.Name, strings.ToUpper(g.Name), g.GUID, strings.ToLower(g.GUID), g.Title} {
				if found := Lookup(groups, name); found != g && name != g.Title {
					t.Errorf("%q names %v, want %s", name, found, g.Name)
				}
			}
		}
		if err := Check(nil, groups); err != nil {
			t.Errorf("%s: %v", profile, err)
		}
		for alias, name := range aliases {
			if g := Lookup(groups, alias); g == nil || g.Name != name {
				t.Errorf("alias %q: %v", alias, g)
			}
		}
	}
	if fed < 20 {
		t.Errorf("%d groups are fed", fed)
	}
	if _, err := BuiltinProfile("sead"); err == nil {
		t.Error("an unknown profile was taken")
	}
}

func TestHostsOfProfiles(t *testing.T) {
	tops := func(g *Group) (list []int) {
		for _, m := range g.Meters {
			list = append(list, m.Top)
		}
		return list
	}
	seed := Builtin()[0]
	if got := tops(seed); !slices.Equal(got, []int{50, 10, 10, 0, 0, 10, 20, 20, 10, 10, 0, 0, 10}) {
		t.Errorf("toppers of hosts: %v", got)
	}
	if seed.Bucket.Duration() != 30*time.Second || seed.Topper.Duration() != 300*time.Second {
		t.Errorf("buckets of hosts: %v, %v", seed.Bucket, seed.Topper)
	}
	manual, _ := BuiltinProfile(ProfileManual)
	want := []int{50, 10, 10, 0, 50, 20, 20, 20, 10, 10, 10, 20, 20, 20, 20, 20, 100, 20, 20}
	if got := tops(manual[0]); !slices.Equal(got, want) {
		t.Errorf("toppers of hosts in the manual: %v", got)
	}
	if manual[0].Bucket.Duration() != time.Minute || Lookup(manual, "Apps").Bucket.Duration() != 5*time.Minute {
		t.Errorf("buckets in the manual: %v, %v", manual[0].Bucket, Lookup(manual, "Apps").Bucket)
	}
}

// Every feed of a built-in group is a word that is known, and every word that only some groups use is used.
func TestFeedWords(t *testing.T) {
	all := FeedWords()
	for _, g := range Builtin() {
		for _, m := range g.Meters {
			if _, ok := all[m.Feed]; m.Feed != "" && !ok {
				t.Errorf("%s meter %d: feed %q", g.Name, m.ID, m.Feed)
			}
		}
	}
	for name, doc := range all {
		if doc == "" {
			t.Errorf("feed %q says nothing of itself", name)
		}
	}
}

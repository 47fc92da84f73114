package sflowrt

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestStrictJSON(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"a":1}`, `{"a":1}`},
		{"\ufeff{\"a\":1}", `{"a":1}`},
		{`{a:1,b_$.-9:'x',}`, `{"a":1,"b_$.-9":"x"}`},
		{` { 'a' : [ .5 , +1 , 5. , -.5e3, 007 , ] } `, `{"a":[0.5,1,5,-500,7]}`},
		{`'it\'s "so"'`, `"it's \"so\""`},
		{`"a\'b\q\/\n\u00e9"` + " ", `"a'bq/\n\u00e9"`},
		{"{a:'x\ny\x01'}", `{"a":"x\u000ay\u0001"}`},
		{`{a:undefined,b:null,c:true}`, `{"a":null,"b":null,"c":true}`},
		{`{a:[[],{}]}`, `{"a":[[],{}]}`},
		{`{ключ:'é'}`, `{"ключ":"é"}`},
	} {
		got, err := strictJSON([]byte(c.in))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", c.in, got, err, c.want)
		}
	}
}

func TestStrictJSONErrors(t *testing.T) {
	for _, c := range []struct {
		in       string
		position int
	}{
		{`{a}`, 2}, {`{a:}`, 3}, {`{a:1 b:2}`, 5}, {`[1,,2]`, 3}, {`{,}`, 1}, {`{a:'x}`, 3}, {`{a:1}}`, 5}, {`{a:1`, 4},
		{`[1-2]`, 1}, {`{a:hello}`, 3}, {`'\u12'`, 1}, {`{"a b":1,c d:2}`, 11}, {`1e999x`, 5}, {`{a:'\`, 3},
		{strings.Repeat("[", 70), 64}, {"{a:\x00}", 3},
	} {
		_, err := strictJSON([]byte(c.in))
		var p *problem
		if !errors.As(err, &p) || p.Position == nil || *p.Position != c.position || p.status != 400 {
			t.Errorf("%s: %+v, want position %d", c.in, p, c.position)
		}
	}
}

func TestSplitList(t *testing.T) {
	got := splitList(` count:ipsource, avg:[or:a:b,c:d] ,,'x,y',a\,b`)
	if want := []string{"count:ipsource", "avg:[or:a:b,c:d]", "'x,y'", `a\,b`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// FuzzStrictJSON checks that an answer is strict JSON and is its own answer, and that an error is inside of the body.
func FuzzStrictJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x"]}`, `{keys:'a,b',value:"bytes",n:'5',}`, `[.5,+1,007,'\u12ab\x']`,
		"\ufeff", `{a:undefined,б:[[{}]]}`, "'a\nb'", `{a:1}}`, strings.Repeat("[", 70)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := strictJSON(b)
		if err != nil {
			var p *problem
			if !errors.As(err, &p) || p.Position != nil && (*p.Position < 0 || *p.Position > len(b)) {
				t.Fatalf("%q: %v", b, err)
			}
			return
		}
		if !json.Valid(got) {
			t.Fatalf("%q: %q is no JSON", b, got)
		}
		if again, err := strictJSON(got); err != nil || string(again) != string(got) {
			t.Fatalf("%q: %q then %q", b, got, again)
		}
		var body flowBody
		if json.Unmarshal(got, &body) == nil {
			_ = body.definition("x")
		}
		var l lists
		_ = json.Unmarshal(got, &l)
	})
}

func BenchmarkStrictJSON(b *testing.B) {
	body := []byte(`{lab:[` + strings.Repeat(`'198.51.100.0/24',`, 10_000) + `]}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := strictJSON(body); err != nil {
			b.Fatal(err)
		}
	}
}

package wire_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"weir/schema"
	"weir/wire"
)

var updateFieldPage = flag.Bool("update", false, "write docs/flow-fields.md anew from the table of fields")

const fieldPage = "../docs/flow-fields.md"

const fieldPageHead = `# Attributes of the flow language

This page lists every attribute that a record can be asked for by name in the keys, the value or the filter of a flow
definition. It is written from the table in the program by ` + "`go test ./wire -run TestFieldPage -update`" + `; a test
compares the two. How attributes are put together to a definition is told in [flow-language.md](flow-language.md).

* An attribute that a record does not have is null. Where a packet's header is there it is what counts; else the
  structures of the sFlow sample, else the information elements of the flow record. So ` + "`ipsource`" + ` works for
  sFlow, NetFlow, IPFIX and captured packets alike.
* An attribute with a mark under *again* belongs to a header that may occur again further in: ` + "`ipsource.1`" + ` is
  the source address of the second IPv4 header, ` + "`ipsource.2`" + ` that of the third.
* Numbers are those of the one packet, flow or transaction that was observed. Values of flow definitions are multiplied
  by the sampling rate.
* The attributes ` + "`sourcegroup`" + ` and ` + "`destinationgroup`" + ` come from the groups that are configured.
`

const fieldPageFoot = `
## Information elements by number

Any element of NetFlow v9 and IPFIX can be asked for by its number: ` + "`ie16`" + ` is element 16,
` + "`ie15397_3`" + ` is element 3 of the private enterprise 15397, and ` + "`ie29305_1`" + ` is the reverse direction of
element 1 (RFC 5103). Their type is that of the IANA registry. Times are shown in RFC 3339 form, octets as hexadecimal
digits, application ids as ` + "`engine:selector`" + `. Elements that nobody has named are integers when they have up to
8 bytes, else hexadecimal digits.
`

// TestFieldPage compares the reference page with the table.
func TestFieldPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(fieldPageHead)
	for _, g := range wire.FieldGroups() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| attribute | type | again | what it is |\n|---|---|---|---|\n", g.Name, g.Doc)
		for _, f := range g.Fields {
			again, typ := "", f.Type.String()
			if f.Nested {
				again = "`.1`"
			}
			if f.Type == schema.Null {
				typ = schema.IPv4.String()
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, typ, again, f.Doc)
		}
	}
	b.WriteString(fieldPageFoot)
	if *updateFieldPage {
		if err := os.WriteFile(fieldPage, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(fieldPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != b.String() {
		t.Errorf("%s is not what the table says: run go test ./wire -run TestFieldPage -update", fieldPage)
	}
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// topModel is the live table. Bubbletea gives it messages and draws what View returns; it belongs to one goroutine.
type topModel struct {
	ctx      context.Context
	client   *topClient
	command  *topCmd
	interval time.Duration

	mode          string
	rows          int
	paused        bool
	asking        bool // an answer is on its way
	answer        *topAnswer
	failed        error // of the last question; the table stays as it was
	fatal         error // why it ends by itself
	width, height int
	colour        bool
}

// topTick asks for a look.
type topTick struct{}

// topLook is what a look found.
type topLook struct {
	answer *topAnswer
	err    error
}

func newTopModel(ctx context.Context, c *topCmd, client *topClient) *topModel {
	return &topModel{ctx: ctx, client: client, command: c, interval: c.Interval, mode: c.Mode, rows: c.Rows, width: 80,
		height: 24}
}

// Init begins the looks.
func (m *topModel) Init() tea.Cmd { return m.tick() }

func (m *topModel) tick() tea.Cmd {
	return tea.Tick(m.interval, func(time.Time) tea.Msg { return topTick{} })
}

// look asks the server, unless an answer is on its way.
func (m *topModel) look() tea.Cmd {
	if m.asking {
		return nil
	}
	m.asking = true
	mode, rows := m.mode, m.rows
	return func() tea.Msg {
		a, err := m.client.active(m.ctx, mode, rows)
		return topLook{a, err}
	}
}

// Update takes a message.
func (m *topModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.key(msg.String())
	case topTick:
		if m.paused {
			return m, m.tick()
		}
		return m, tea.Batch(m.look(), m.tick())
	case topLook:
		m.asking = false
		if m.failed = msg.err; msg.err == nil && !m.paused {
			m.answer = msg.answer
		}
		if msg.err != nil && !retryable(msg.err) {
			m.fatal = msg.err
			return m, tea.Quit
		}
	}
	return m, nil
}

// key does what one key asks for.
func (m *topModel) key(key string) tea.Cmd {
	switch key {
	case "q", "esc", "ctrl+c":
		return tea.Quit
	case "p", "space":
		m.paused = !m.paused
	case "m":
		if m.mode == "max" {
			m.mode = "sum"
		} else {
			m.mode = "max"
		}
	case "+", "=":
		m.rows = min(m.rows+5, m.client.definition.N)
	case "-":
		m.rows = max(m.rows-5, 1)
	default:
		return nil
	}
	if m.paused {
		return nil
	}
	return m.look()
}

// View draws the table on a screen of its own, so that what was there before comes back.
func (m *topModel) View() tea.View {
	v := tea.NewView(m.frame())
	v.AltScreen = true
	return v
}

// frame is the table as text.
func (m *topModel) frame() string {
	var b strings.Builder
	m.line(&b, m.title(), styleBold)
	m.line(&b, m.condition(), styleFaint)
	if m.answer == nil || len(m.answer.Flows) == 0 {
		b.WriteString("\n")
		m.line(&b, m.nothing(), stylePlain)
	} else {
		m.table(&b)
	}
	if m.failed != nil {
		m.line(&b, harmless(m.failed.Error()), styleAlarm)
	}
	m.line(&b, "q quit   p pause   m mode   + - rows", styleFaint)
	return strings.TrimSuffix(b.String(), "\n")
}

func (m *topModel) title() string {
	s := "weir top   " + m.command.Value + " by " + m.command.Keys
	if m.command.Filter != "" {
		s += "   where " + m.command.Filter
	}
	return harmless(s)
}

func (m *topModel) condition() string {
	s := fmt.Sprintf("%s   mode %s   %d rows", m.command.Server, m.mode, m.rows)
	if m.answer != nil {
		s += "   " + time.UnixMilli(m.answer.At).Format("15:04:05")
	}
	if m.paused {
		s += "   PAUSED"
	}
	return harmless(s)
}

func (m *topModel) nothing() string {
	if m.answer == nil {
		return "waiting for the first answer"
	}
	return "no flows: nothing that the filter lets pass has all these keys, or nothing arrives"
}

// barWidth is how many columns the bar of a share takes.
const barWidth = 12

// table draws the head and a row for each flow that there is room for.
func (m *topModel) table(b *strings.Builder) {
	heads := splitKeys(m.command.Keys)
	flows := m.answer.Flows
	room := m.height - 5 // title, condition, head, failure, keys
	flows = flows[:max(0, min(len(flows), m.rows, room))]
	var sum float64
	for i := range m.answer.Flows {
		sum += max(0, m.answer.Flows[i].Value)
	}
	widths := m.keyWidths(heads, flows)
	row := func(keys []string, value, stderr, share string) string {
		var s strings.Builder
		for i, w := range widths {
			text := ""
			if i < len(keys) {
				text = harmless(keys[i])
			}
			s.WriteString(fitWidth(text, w))
			s.WriteString("  ")
		}
		return s.String() + leftPad(value, valueWidth) + "  " + leftPad(stderr, valueWidth) + "  " + share
	}
	m.line(b, row(heads, "value", "error", "share of these"), styleBold)
	for i := range flows {
		f := &flows[i]
		share := ""
		if sum > 0 {
			part := max(0, f.Value) / sum
			share = shareBar(part, barWidth) + leftPad(fmt.Sprintf("%.1f%%", 100*part), 7)
		}
		unit := m.answer.Unit
		m.line(b, row(f.Keys, withUnit(f.Value, unit), f.errorText(unit), share), stylePlain)
	}
}

const (
	valueWidth = 12 // columns of a value and of its error
	keyMost    = 46 // columns of a key when others need room too: an IPv6 address fits
)

// keyWidths returns how wide the columns of keys are: what they need, or what there is.
func (m *topModel) keyWidths(heads []string, flows []topFlow) []int {
	widths := make([]int, len(heads))
	for i, h := range heads {
		widths[i] = utf8.RuneCountInString(h)
		for j := range flows {
			if i < len(flows[j].Keys) {
				widths[i] = max(widths[i], utf8.RuneCountInString(flows[j].Keys[i]))
			}
		}
	}
	room := m.width - 2*valueWidth - barWidth - 7 - 4 - 2*len(widths)
	for i := range widths {
		widths[i] = max(4, min(widths[i], max(keyMost, room), room/max(1, len(widths)-i)))
		room -= widths[i]
	}
	return widths
}

// shareBar draws a share from 0 to 1, in eighths of a column.
func shareBar(share float64, width int) string {
	eighths := min(int(share*float64(8*width)+0.5), 8*width)
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string(rune(0x2590 - rest)) // LEFT ONE EIGHTH BLOCK is U+258F, seven eighths U+2589
	}
	return fitWidth(s, width)
}

// fitWidth cuts or pads text to a width; a cut is shown.
func fitWidth(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n <= width {
		return s + strings.Repeat(" ", width-n)
	}
	r := []rune(s)
	return string(r[:max(0, width-1)]) + "…"
}

func leftPad(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s))) + s
}

// The styles of a line, as SGR parameters (ECMA-48 section 8.3.117).
const (
	stylePlain = ""
	styleBold  = "1"
	styleFaint = "2"
	styleAlarm = "31"
)

// line writes a line that fits the screen.
func (m *topModel) line(b *strings.Builder, text, style string) {
	text = strings.TrimRight(text, " ")
	if utf8.RuneCountInString(text) > m.width {
		text = fitWidth(text, m.width)
	}
	if m.colour && style != stylePlain {
		text = "\x1b[" + style + "m" + text + "\x1b[0m"
	}
	b.WriteString(text + "\n")
}

package settings

import (
	"strings"
	"testing"
)

func TestSettingsOfOneNameAreShared(t *testing.T) {
	type inner struct {
		Depth int `name:"inner-depth"`
	}
	var from struct {
		Word  string
		Only  string
		Inner inner `embed:""`
	}
	var to struct {
		Word  string
		Mine  string
		Inner inner `embed:""`
	}
	from.Word, from.Only, from.Inner.Depth = "w", "o", 7
	to.Mine = "m"
	if err := Share(&to, &from); err != nil {
		t.Fatal(err)
	}
	if to.Word != "w" || to.Mine != "m" || to.Inner.Depth != 7 {
		t.Errorf("%+v", to)
	}
	var other struct{ Word int }
	if err := Share(&other, &from); err == nil || !strings.Contains(err.Error(), "setting word") {
		t.Errorf("a number for a word: %v", err)
	}
}

// Command manifests writes the plain manifests, from the folder of its module.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	check "github.com/cardea-rtc/cardea/deploy/check"
)

func main() {
	for _, example := range check.Plains {
		text, err := check.Manifest(example)
		if err == nil {
			err = os.WriteFile(filepath.Join(check.Plain, example+".yaml"), []byte(text), 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", example, err)
			os.Exit(1)
		}
	}
}

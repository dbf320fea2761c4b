package media

import "testing"

func TestRelayAddressIsAnAddressWithOrWithoutAPort(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"10.0.0.1": "10.0.0.1:0", "10.0.0.1:7": "10.0.0.1:7", "::1": "[::1]:0", "[::1]:7": "[::1]:7", "": "invalid AddrPort",
	} {
		c, err := Config{GRPCListen: "127.0.0.1:0", RelayAddress: given}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.relayAddress(); err != nil || got.String() != want {
			t.Errorf("%q: %v, %v", given, got, err)
		}
	}
	for _, bad := range []string{"node-0", "10.0.0.1:", ":7", "10.0.0.1:70000"} {
		if _, err := (Config{GRPCListen: "127.0.0.1:0", RelayAddress: bad}).withDefaults(); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

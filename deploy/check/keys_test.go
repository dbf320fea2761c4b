package check

import (
	"maps"
	"strings"
	"testing"
)

// fixed are settings that nobody needs on Kubernetes, each with its reason; the chart refuses them.
var fixed = map[string]map[string]string{
	"signaling": {
		"listen":       "8188; Services have any port before it",
		"wss-listen":   "8989, likewise",
		"http-listen":  "8088, likewise",
		"https-listen": "8089, likewise",
	},
	"roomstate": {"admin-key": "a Secret's, as a file: roomstate.adminKey"},
}

// ofValues are settings that the chart makes of other values, in some form of them that no example has.
var ofValues = map[string]map[string]string{
	"signaling": {"jwt-secret-file": "signaling.jwt.secret", "nats-token-file": "nats.external.tokenSecret", "nats-user": "nats.external.user", "nats-password-file": "nats.external.passwordSecret"},
	"roomstate": {"nats-token-file": "nats.external.tokenSecret", "nats-user": "nats.external.user", "nats-password-file": "nats.external.passwordSecret", "redis-cluster": "redis.external.cluster", "redis-sentinel-user": "redis.external.sentinel.user"},
	"media":     {"nats-token-file": "nats.external.tokenSecret", "nats-user": "nats.external.user", "nats-password-file": "nats.external.passwordSecret"},
}

// TestEverySettingIsWithinReach: each setting of each service is made of other values, and then refused where it would say the
// same again; or taken by settings or, if it names a file, by files; or among those that are fixed.
func TestEverySettingIsWithinReach(t *testing.T) {
	if *programs == "" {
		t.Fatal("-programs is not set")
	}
	s := Services{Dir: *programs}
	made := map[string]map[string]bool{"signaling": {}, "roomstate": {}, "media": {}}
	for _, values := range examples(t) {
		for service, variables := range accepted(t, values).Variables() {
			if made[service] != nil {
				maps.Copy(made[service], variables)
			}
		}
	}
	others := map[string]bool{} // set by files, which is what tells them from the chart's own
	for _, values := range examples(t) {
		for _, service := range []string{"signaling", "roomstate", "media"} {
			if of, ok := values[service].(map[string]any); ok {
				files, _ := of["files"].(map[string]any)
				for key := range files {
					others[service+"/"+key] = true
				}
			}
		}
	}
	free := map[string]any{}
	for service := range made {
		all, err := s.Settings(service)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) < 30 {
			t.Fatalf("%s has %d settings", service, len(all))
		}
		settings, files := map[string]any{}, map[string]any{}
		for _, one := range all {
			own := map[string]any{service: map[string]any{
				"settings":     map[string]any{one.Key: "/x"}, // which folders have to be on a volume
				"extraVolumes": []any{map[string]any{"name": "x"}}, "extraVolumeMounts": []any{map[string]any{"name": "x", "mountPath": "/x"}},
			}}
			_, err := Render(own)
			refused := err != nil && strings.Contains(err.Error(), service+".settings: "+one.Key+" follows from other values")
			if err != nil && !refused {
				t.Errorf("%s: %s: %v", service, one.Key, err)
			}
			other := ofValues[service][one.Key] != "" || fixed[service][one.Key] != ""
			switch {
			case made[service][one.Environment] && !others[service+"/"+one.Key] || other:
				if !refused {
					t.Errorf("%s: %s is made of other values, and taken by settings too", service, one.Key)
				}
				if made[service][one.Environment] && other {
					t.Errorf("%s: %s is set by an example: take it off the lists of this test", service, one.Key)
				}
			case refused:
				t.Errorf("%s: %s can be set by nothing", service, one.Key)
			case one.File:
				files[one.Key] = map[string]any{"secret": "s", "key": "k"}
			case one.Default != nil:
				settings[one.Key] = one.Default
			}
		}
		if len(settings) < 5 || len(files) == 0 {
			t.Errorf("%s: %d settings and %d files are free", service, len(settings), len(files))
		}
		free[service] = map[string]any{"settings": settings, "files": files}
	}
	for service, keys := range fixed {
		for key := range keys {
			if made[service]["CARDEA_"+strings.ToUpper(strings.ReplaceAll(key, "-", "_"))] {
				t.Errorf("%s: %s is fixed, and set", service, key)
			}
		}
	}
	if checked, err := s.CheckPods(accepted(t, free), t.TempDir()); err != nil || checked < 3 {
		t.Errorf("%d services, %v", checked, err)
	}
}

// TestForms are values of no example.
func TestForms(t *testing.T) {
	s := Services{Dir: *programs}
	nats := func(external map[string]any) map[string]any {
		external["url"] = "tls://nats.example.net:4222"
		return map[string]any{"nats": map[string]any{"enabled": false, "external": external}}
	}
	for name, c := range map[string]struct {
		values map[string]any
		want   []string
	}{
		"JWTs of a secret": {
			map[string]any{"signaling": map[string]any{"settings": map[string]any{"token-auth": true}, "jwt": map[string]any{"secret": map[string]any{"name": "s"}}}},
			[]string{"signaling CARDEA_JWT_SECRET_FILE"},
		},
		"JWTs of keys in a Secret": {
			map[string]any{"signaling": map[string]any{"settings": map[string]any{"token-auth": true}, "jwt": map[string]any{"keysSecret": map[string]any{"name": "s", "key": "k"}}}},
			[]string{"signaling CARDEA_JWT_KEYS_FILE"},
		},
		"a token for NATS": {nats(map[string]any{"tokenSecret": map[string]any{"name": "s"}}), []string{"signaling CARDEA_NATS_TOKEN_FILE", "media CARDEA_NATS_TOKEN_FILE", "roomstate CARDEA_NATS_TOKEN_FILE"}},
		"a user of NATS": {
			nats(map[string]any{"user": "u", "passwordSecret": map[string]any{"name": "s"}}),
			[]string{"signaling CARDEA_NATS_USER", "signaling CARDEA_NATS_PASSWORD_FILE", "media CARDEA_NATS_USER", "roomstate CARDEA_NATS_USER"},
		},
		"a Redis Cluster": {map[string]any{"redis": map[string]any{"enabled": false, "external": map[string]any{"url": "redis://h:6379", "cluster": true}}}, []string{"roomstate CARDEA_REDIS_CLUSTER"}},
		"Sentinels with a user": {
			map[string]any{"redis": map[string]any{"enabled": false, "external": map[string]any{"sentinel": map[string]any{"addresses": []any{"h:1"}, "port": 1, "user": "u"}}}},
			[]string{"roomstate CARDEA_REDIS_SENTINEL_USER"},
		},
		"remote publishers": {
			map[string]any{"media": map[string]any{"settings": map[string]any{"remote-from": []any{"192.0.2.0/24"}, "remote-ports": "21000-21099"}}}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := accepted(t, c.values)
			variables := cluster.Variables()
			for _, want := range c.want {
				if service, variable, _ := strings.Cut(want, " "); !variables[service][variable] {
					t.Errorf("%s is not set", want)
				}
			}
			if checked, err := s.CheckPods(cluster, t.TempDir()); err != nil || checked < 3 {
				t.Errorf("%d services, %v", checked, err)
			}
		})
	}
}

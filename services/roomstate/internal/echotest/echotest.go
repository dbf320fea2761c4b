package echotest

import "github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"

type Plugin struct{}

func New() *Plugin                                                  { return &Plugin{} }
func (*Plugin) Name() string                                        { return "janus.plugin.echotest" }
func (*Plugin) Route(plugin.Command) plugin.Route                   { return plugin.Route{} }
func (*Plugin) Load(string, map[string]string) (plugin.Room, error) { return nil, nil }

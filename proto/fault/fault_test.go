package fault

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestEveryReasonCrossesGRPC(t *testing.T) {
	for _, r := range Reasons() {
		back := FromStatus(ToStatus(&Error{Reason: r, Text: "words", Cause: errors.New("secret")}))
		if Of(back) != r || Text(back) != "words" {
			t.Errorf("%s came back as %v", r, back)
		}
		if status.Code(ToStatus(New(r, nil))) == codes.Unknown {
			t.Errorf("%s has no gRPC code", r)
		}
	}
}

func TestCauseStaysInside(t *testing.T) {
	if got := ToStatus(New(Internal, errors.New("password is hunter2"))).Error(); got != "rpc error: code = Internal desc = " {
		t.Errorf("crossed the border: %q", got)
	}
}

func TestForeignErrorsHaveAReason(t *testing.T) {
	if got := Of(FromStatus(status.Error(codes.Unavailable, "connection refused"))); got != NodeUnavailable {
		t.Errorf("unavailable is %q", got)
	}
	if got := Of(errors.New("x")); got != Internal {
		t.Errorf("a plain error is %q", got)
	}
	if got := Of(nil); got != "" {
		t.Errorf("nil is %q", got)
	}
}

//go:build tools

// Package tools names what scripts/lib/pulumi-cli.mjs builds, so that go.mod and go.sum pin all of it.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

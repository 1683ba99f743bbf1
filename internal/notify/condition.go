package notify

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"opeka/internal/care"
)

// A condition is an expression over the facts. It is bounded: no more than maxNodes parts, no functions but those that end at once.
type condition struct{ program *vm.Program }

const maxNodes = 200

var conditionOptions = []expr.Option{
	expr.Env(Facts{}), expr.AsBool(), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins(),
	expr.EnableBuiltin("len"), expr.EnableBuiltin("any"), expr.EnableBuiltin("all"), expr.EnableBuiltin("none"), expr.EnableBuiltin("lower"), expr.EnableBuiltin("int"),
}

// compileCondition checks a condition; nil stands for an empty one, which always holds. The error says what is wrong, and in which line and column.
func compileCondition(text string) (*condition, *care.Error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	p, err := expr.Compile(text, conditionOptions...)
	if err == nil {
		return &condition{p}, nil
	}
	line, column, message := 1, 1, err.Error()
	if at := (*file.Error)(nil); errors.As(err, &at) {
		line, column, message = at.Line, at.Column+1, at.Message
	}
	return nil, care.Invalid("when", "condition_invalid", "line", line, "column", column, "problem", message)
}

// holds runs the condition. One that fails at run time (a missing index, say) doesn't hold, and says so.
func (c *condition) holds(f *Facts) (ok bool, err error) {
	if c == nil {
		return true, nil
	}
	out, err := expr.Run(c.program, f)
	if err != nil {
		return false, err
	}
	ok, _ = out.(bool)
	return ok, nil
}

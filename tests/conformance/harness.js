// What the files of this folder are written with; the runner puts it before each of them.
//
//   area("ES2015", "classes");
//   check("array destructuring with a default", "Destructuring Binding Patterns",
//         "var [a, b = 2] = [1]; return [a, b];", [1, 2]);
//
// A check passes when its body returns what is expected (`true` if nothing else is said). The body is a function, or
// the text of one: an engine without the syntax then fails that check alone, and not the whole file. ES5 syntax only.

var conformance = { edition: "", area: "", checks: [] };

function area(edition, name) {
  conformance.edition = edition;
  conformance.area = name;
}

function check(name, section, body, expected) {
  conformance.checks.push({
    name: name,
    section: section,
    body: body,
    expected: arguments.length > 3 ? expected : true
  });
}

// The name of what a function throws, "nothing" if it does not.
function thrown(action) {
  try {
    typeof action === "string" ? (0, eval)(action) : action();
  } catch (error) {
    return error && error.name ? error.name : "a value that is no Error";
  }
  return "nothing";
}

// Whether a text is refused by the parser, as a script.
function refused(source) {
  return thrown(source) === "SyntaxError";
}

// A value as text; equal texts are equal values.
function show(value) {
  if (value === null) return "null";
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return value === 0 && 1 / value < 0 ? "-0" : String(value);
    case "bigint":
      return String(value) + "n";
    case "function":
      return "function " + value.name;
    case "object":
      break;
    default:
      return String(value);
  }
  if (value instanceof Error) return value.name + ": " + value.message;
  var parts = [];
  if (Array.isArray(value)) {
    for (var i = 0; i < value.length; i++) parts.push(i in value ? show(value[i]) : "hole");
    return "[" + parts.join(", ") + "]";
  }
  if (Object.prototype.toString.call(value) === "[object Date]") return "Date " + value.getTime();
  Object.keys(value).forEach(function (key) {
    parts.push(key + ": " + show(value[key]));
  });
  return "{" + parts.join(", ") + "}";
}

function run_check(check) {
  try {
    var body = typeof check.body === "function" ? check.body : new Function(check.body);
    var saw = show(body());
    return { passed: saw === show(check.expected), saw: saw };
  } catch (error) {
    return { passed: false, saw: "threw " + show(error) };
  }
}

// The virtual endpoint: the list of checks, or with `?check=NUMBER` the result of one.
function run_conformance(request, session) {
  var number = request.Params.check;
  var body = number ? run_check(conformance.checks[number[0]]) : {
    edition: conformance.edition,
    area: conformance.area,
    checks: conformance.checks.map(function (check) {
      return { name: check.name, section: check.section, expected: show(check.expected) };
    })
  };
  return TykJsResponse({ Body: JSON.stringify(body), Code: 200 }, session.meta_data);
}

// What the types have to refuse: each line below a comment would be an error if it were accepted.

function mistakes(request: TykVirtualRequest, hook: TykHookRequest) {
  // @ts-expect-error: without a code there is no answer
  TykJsResponse({ Body: "x" });
  // @ts-expect-error: an object is not JSON text
  TykMakeHttpRequest({ Domain: "http://127.0.0.1" });
  // @ts-expect-error: values are arrays
  const type: string = request.Headers["Content-Type"];
  // @ts-expect-error: hooks set texts
  hook.SetHeaders["X"] = ["a"];
  // @ts-expect-error: there is no such function
  setTimeout(mistakes, 1);
  // @ts-expect-error: nor this one
  _.leftPad("x");
  return type;
}

// @ts-check

var teller = new TykJS.TykEventHandlers.NewEventHandler({});

teller.NewHandler(function (event, context) {
  rawlog([event.TimeStamp, context.APIID, event.Type, event.Meta.Message, event.Meta.Path || event.Meta.Org].join(" "));
  if (TykStorageSetNX("told-" + event.Meta.Key, "1", 60)) TykStorageSet("last", event.Type);
});

// The inbox: filters above a listing.
import { button, h, icon, iconButton } from "./dom.js";
import { Filters } from "./filters.js";
import { Listing } from "./list.js";

export class Inbox {
  name = "inbox";
  title = "Inbox";

  constructor(session) {
    this.filters = new Filters((value) => this.listing.load(value));
    this.listing = new Listing(session, "inbox", {
      empty: (isFiltered) =>
        h("div", { class: "state" }, icon(isFiltered ? "search" : "inbox"),
          h("h2", {}, isFiltered ? "Nothing matches" : "No inquiries yet"),
          h("p", {}, isFiltered ? "No inquiry fits all of these filters." : "They appear here the moment they are sent."),
          isFiltered && button("Clear filters", { click: () => this.filters.reset() })),
    });
    this.element = h("div", { class: "view" },
      h("header", { class: "view-head" }, h("h1", { tabindex: "-1" }, this.title, this.listing.count), iconButton("refresh", "Refresh", { click: () => this.listing.load() })),
      this.filters.element, this.listing.element);
  }

  enter() {
    return this.listing.load();
  }

  search() {
    this.filters.search.focus();
    this.filters.search.select();
  }

  arrive(ids) {
    return this.listing.arrive(ids);
  }

  // What was taken from or put into the quarantine may be one of ours now.
  change(id, row) {
    if (row && this.listing.rows.some((one) => one.id === id)) this.listing.change(id, row);
    else if (!row) this.listing.change(id);
  }
}

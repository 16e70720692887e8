// What a time is where the reader is: it stands in the title of each time, which a pointer shows.

const LOCAL = { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };

export function localTimes(root) {
  const words = new Intl.DateTimeFormat(undefined, LOCAL);
  for (const one of root.querySelectorAll("time[datetime]")) {
    const time = new Date(one.dateTime);
    if (!Number.isNaN(time.getTime())) one.title = `Your time: ${words.format(time)}`;
  }
}

package org.userload.report.comparison;

import org.jspecify.annotations.Nullable;

/** What is told of memory that was not sent: no figure, since neither more nor less is better. */
public enum Unsent {
    ZERO("zero_pages", "zero pages", Unit.COUNT, "pages that came as a mark only"),
    FREE(
            "free_pages",
            "free pages",
            Unit.COUNT,
            "pages that were not sent, since the guest does not need their content"),
    BALLOONED("ballooned_pages", "ballooned", Unit.COUNT, "pages that the guest had given to the host before"),
    HINT_BYTES("hint_bytes", "hint bytes", Unit.COUNT, "messages of the guest about its free pages"),
    HINT_TIME("hint_us", "hint time", Unit.MICROS, "how long the migration waited for these");

    private final String key;
    private final String label;
    private final Unit unit;
    private final String meaning;

    Unsent(String key, String label, Unit unit, String meaning) {
        this.key = key;
        this.label = label;
        this.unit = unit;
        this.meaning = meaning;
    }

    /** Its name in CSV. */
    public String key() {
        return key;
    }

    /** Its name for people. */
    public String label() {
        return label;
    }

    /** Its unit. */
    public Unit unit() {
        return unit;
    }

    /** What it means, in a few words. */
    public String meaning() {
        return meaning;
    }

    /** Of a run; null if the run does not have it. */
    public @Nullable Long of(RunResult result) {
        RunResult.Pages pages = result.pages();
        return switch (this) {
            case ZERO -> pages == null ? null : pages.zero();
            case FREE -> pages == null ? null : pages.free();
            case BALLOONED -> pages == null ? null : pages.ballooned();
            case HINT_BYTES -> result.hintBytes();
            case HINT_TIME -> result.hintUs();
        };
    }

    /** Whether a run has any of it; a table leaves out what no run has. */
    boolean isWorthARow(@Nullable RunResult result) {
        Long value = result == null ? null : of(result);
        return value != null && value > 0;
    }
}

package org.userload.hint;

/** Why a message about memory changes nothing. */
public enum Refusal {
    /** No range, or a range without pages. */
    EMPTY("holds no pages"),
    /** A negative page or count, or an end beyond what a 64-bit number holds. */
    OVERFLOWING("is not a range of pages"),
    /** Pages that the guest does not have. */
    OUTSIDE_MEMORY("does not lie within the guest's memory"),
    /** Pages that are released already. */
    RELEASED_ALREADY("holds pages that are released already"),
    /** Pages that are to come back but were not released. */
    NOT_RELEASED("holds pages that are not released"),
    /** Two ranges of one message have a page in common. */
    OVERLAPS_ITSELF("has pages in common with another range of the same message"),
    /** Pages that are to be added to the guest's memory, which has them. */
    MEMORY_ALREADY("holds pages that the guest has already"),
    /** Pages beyond the largest address space that was agreed on. */
    OUTSIDE_ADDRESS_SPACE("does not lie within the address space"),
    /** More pages than the host lets the guest give away. */
    BELOW_FLOOR("would leave the guest less memory than it must keep"),
    /** Memory that is to be taken out, of which the guest still uses pages. */
    BUSY("holds pages that the guest uses"),
    /** The guest is being handed over: whoever has it then answers. */
    MOVING("comes while the guest is handed over, and is for where it runs next");

    private final String text;

    Refusal(String text) {
        this.text = text;
    }

    /** Reads as the rest of a sentence about a range. */
    String text() {
        return text;
    }
}

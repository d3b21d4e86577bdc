package org.userload.hint;

/** What became of a message about memory: all of it was done, or nothing. */
public sealed interface HintResult {
    /**
     * All of the message was done.
     *
     * @param pages in all of its ranges
     */
    record Accepted(long pages) implements HintResult {}

    /**
     * Nothing was changed.
     *
     * @param reason what is wrong with the range; further ranges may be wrong too
     * @param range its index in the message, from 0; -1 when it is about the message as a whole
     * @param first its first page, as the message has it
     * @param count its pages, as the message has it
     */
    record Refused(Refusal reason, int range, long first, long count) implements HintResult {
        /** One line for a log: what is wrong with which range. */
        public String message() {
            return range < 0
                    ? "the message " + (reason == Refusal.EMPTY ? "has no range" : reason.text())
                    : "range " + range + ", " + count + " pages from page " + first + ", " + reason.text();
        }
    }
}

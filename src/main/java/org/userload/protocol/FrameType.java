package org.userload.protocol;

import org.jspecify.annotations.Nullable;

/** What a frame says. {@code D} is the destination, {@code S} the source. */
public enum FrameType {
    /** First frame of each side on each connection; body as in {@link HelloLayout}. */
    HELLO(1, true),
    /** D to S, sync: send these pages now. {@code id} comes back with the answer. */
    REQUEST(2, false),
    /** S to D: {@code count} pages of content in the body. {@code id} of the request, 0 on the stream. */
    PAGES(3, true),
    /** S to D: a run of {@code count} zero pages; no body. */
    ZERO(4, false),
    /** D to S, stream: these pages need not be sent (again). Also gives the stream room for as many pages. */
    ACK(5, false),
    /** D to S, stream: begin; {@code count} is the most pages that may be sent and not yet acknowledged. */
    START(6, false),
    /** S to D, stream: every page has been sent on one connection or another. */
    END(7, false),
    /** D to S, control: every page is in place; the source may let go of the memory. */
    COMPLETE(8, false),
    /** Either way: why the sender ends the session; body is a u16 code and UTF-8 text. */
    ERROR(9, true),
    /** S to D, control: the guest is paused; body is its CPU state. {@code firstPage}: microseconds since the pause. */
    PREPARE(16, true),
    /** D to S, control: the guest is restored and can run on COMMIT. */
    READY(17, false),
    /**
     * S to D, control: run it. After sending this the source never runs the guest again. {@code firstPage}: microseconds since
     * the pause; {@code id}: microseconds since READY came.
     */
    COMMIT(18, false),
    /** D to S, control: the guest runs here. {@code firstPage}: downtime in microseconds. */
    STARTED(19, false),
    /** Either way, control, before COMMIT: the handover is off. Body is UTF-8 text. */
    ABORT(20, true),
    /** S to D, stream, in rounds: tell when everything before this is in place. {@code id} comes back. */
    MARK(21, false),
    /** D to S, stream: everything that came before the MARK with this {@code id} is in place. */
    MARKED(22, false),
    /** S to D, stream, in rounds: these pages are old, make them missing again. Body as in {@link PageRuns}. */
    DISCARD(23, true),
    /** As {@link #PAGES}, compressed: the body is a u8, the code of the compression, and what it made of the pages. */
    PACKED(24, true),
    /** S to D, stream, in rounds: what has changed in {@code count} pages since they were sent last. */
    DELTA(25, true),
    /**
     * S to D: a run of {@code count} pages that the guest does not need; body is a u64, what each 8 bytes of them hold from
     * then on: 0, or the pattern with which the guest fills its free pages.
     */
    FREE(26, true),
    /** D to S, stream: the guest has released these pages here; they need not be sent (again). */
    RELEASED(27, false),
    /**
     * D to S, stream: these pages, which came on sync, are in place. S to D, sync, instead of content: you have acknowledged
     * these pages, and they are not kept here any more; {@code id} of the request.
     */
    INSTALLED(28, false),
    /** D to S, stream: send these pages before others. Body as in {@link PageRuns}; {@code id} as in {@link Preference}. */
    PREFER(29, true);

    private static final @Nullable FrameType[] BY_CODE = new @Nullable FrameType[32];

    static {
        for (FrameType type : values()) {
            BY_CODE[type.code] = type;
        }
    }

    private final int code;
    private final boolean body;

    FrameType(int code, boolean body) {
        this.code = code;
        this.body = body;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** Whether bytes may follow the header. */
    boolean hasBody() {
        return body;
    }

    /** Whether the body is page content in another form than itself, which has to be there as a whole. */
    boolean isEncodedContent() {
        return this == PACKED || this == DELTA;
    }

    static FrameType ofCode(int code) {
        FrameType type = code < BY_CODE.length ? BY_CODE[code] : null;
        if (type == null) {
            throw new ProtocolException("frame of unknown type " + code);
        }
        return type;
    }
}

package org.userload.hint;

/** What a guest has of a chunk of its address space. */
public enum ChunkState {
    /** No memory: its addresses are free to get some. */
    ABSENT,
    /** Memory that the guest does not use, all of it in the balloon. */
    UNUSED,
    /** The guest uses a page of it or more. */
    IN_USE
}

/* A virtual CPU begins here, in user mode of long mode, with its number in rdi and its stack set. */
    .section .text.start
    .globl start
start:
    call work
    ud2

    .section .note.GNU-stack, "", @progbits

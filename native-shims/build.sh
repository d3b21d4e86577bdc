#!/bin/sh
echo "todo"

"""From trained weights to the shipped model files: conversion, quantisation, confidence calibration."""
